// What must not compile.
import { Service, json } from 'ekiben';

import { CreditApplication, Decision } from '../src/credit.ts';

const route = { input: json(CreditApplication), output: json(Decision) };

// @ts-expect-error the field is called Status
new Service('s').api('classify', route, () => ({ Statuz: 'APPROVED' }));
// @ts-expect-error no such status
new Service('s').api('classify', route, () => ({ Status: 'PERHAPS' }));
// @ts-expect-error an application has no such field
new Service('s').api('classify', route, ({ salary }) => ({ Status: salary > 1 ? 'APPROVED' : 'DECLINED' }));

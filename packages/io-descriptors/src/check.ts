/** Runs a Standard Schema's validation. A promise comes out only when the schema made one. */
import { isNativeError } from 'node:util/types';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EkibenError } from '@ekiben/spec';

type Validate<T> = StandardSchemaV1.Props<unknown, T>['validate'];
type Refuse = (issues: readonly StandardSchemaV1.Issue[]) => EkibenError;

export function check<T>(validate: Validate<T>, value: unknown, refuse: Refuse): T | Promise<T> {
  let result;
  try {
    result = validate(value);
  } catch (error) {
    throw refusalOf(error, refuse);
  }
  if (!(result instanceof Promise)) return settle(result, refuse);
  return result.then(
    (settled) => settle(settled, refuse),
    (error: unknown) => {
      throw refusalOf(error, refuse);
    },
  );
}

function settle<T>(result: StandardSchemaV1.Result<T>, refuse: Refuse): T {
  if (result.issues !== undefined) throw refuse(result.issues);
  return result.value;
}

/** A schema that refers to itself recurses as deeply as the value, which is the client's choice; other errors are the schema's own. */
function refusalOf(error: unknown, refuse: Refuse): unknown {
  const isOverflow = isNativeError(error) && error.name === 'RangeError' && error.message.includes('call stack');
  return isOverflow ? refuse([{ message: 'nests too deeply' }]) : error;
}

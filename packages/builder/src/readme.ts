// README.md of a bento, as BentoML writes it: what it offers, and what the user says of it.
import type { Facts } from './facts.ts';

export function readme(name: string, { bentofile, service }: Facts): string {
  const rows = service.apis.map(
    ({ method, path, input, output }) => `| ${method} \`${path}\` | ${input} | ${output} |`,
  );
  return `# ${name}

${bentofile.description?.trim() ?? 'This is a machine learning service created with Ekiben.'}

| InferenceAPI | Input | Output |
| ------------ | ----- | ------ |
${rows.join('\n')}

\`ekiben serve ${name}:latest\` serves it; its models and packages are inside. \`ekiben verify ${name}:latest\` checks its files.
`;
}

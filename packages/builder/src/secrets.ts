// What must never get into a bento: files that hold secrets by their names, and secrets in the text of others.

/** Never included, whatever the bentofile says, as patterns of .gitignore. */
export const NEVER_INCLUDED: readonly string[] = [
  // Not of the project, or made anew.
  'node_modules/',
  '.git/',
  '.hg/',
  '.svn/',
  '.ekiben/',
  '__bundle__/',
  // BentoML's.
  '.venv/',
  'venv/',
  '__pycache__/',
  '.DS_Store',
  // Secrets.
  '.env',
  '.env.*',
  '!.env.example',
  '!.env.sample',
  '!.env.template',
  '.npmrc',
  '.yarnrc',
  '.yarnrc.yml',
  '.netrc',
  '.pypirc',
  '.ssh/',
  '.aws/',
  '.docker/',
  '.kube/',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jks',
  '*.keystore',
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
];

interface SecretKind {
  readonly name: string;
  readonly pattern: RegExp;
}

/** Formats that the issuers document, so that a match is hardly ever something else. */
const KINDS: readonly SecretKind[] = [
  // RFC 7468 and OpenSSH's, PGP's armour.
  { name: 'a private key', pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/ },
  // AWS, "Understanding unique ID prefixes" of IAM; its documentation uses keys that end in EXAMPLE.
  { name: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b(?<!EXAMPLE)/ },
  // GitHub, "About authentication to GitHub", token prefixes.
  { name: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b/ },
  // npm, "About access tokens"; GitHub's secret scanning lists the format.
  { name: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { name: 'a token for a package registry', pattern: /\/\/[^\s/]+\/.*:_(?:authToken|password)\s*=\s*(?!\$\{)\S{8,}/ },
  // GitLab, "Token overview"; Slack, "Token types"; Stripe, "API keys"; Google Cloud, "API keys"; Hugging Face, "User access tokens".
  { name: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,}\b/ },
  { name: 'a Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/ },
  { name: 'a Stripe key', pattern: /\b[rs]k_live_[A-Za-z0-9]{20,}\b/ },
  { name: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}\b/ },
  { name: 'a Hugging Face token', pattern: /\bhf_[A-Za-z]{34}\b/ },
];

export interface Secret {
  /** From 1 on. */
  readonly line: number;
  /** Such as `an AWS access key`; the secret itself is not repeated anywhere. */
  readonly kind: string;
}

/** Secrets in a file's content. Binary files are not looked at. */
export function findSecrets(content: Uint8Array): readonly Secret[] {
  if (content.subarray(0, 8192).includes(0)) return [];
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  return KINDS.flatMap(({ name, pattern }) => {
    const at = text.search(pattern);
    return at < 0 ? [] : [{ line: text.slice(0, at).split('\n').length, kind: name }];
  });
}

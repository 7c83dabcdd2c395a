export { runnerKeys, serverKeys, tracingKeys } from './keys.ts';
export type { Key } from './keys.ts';
export type { Environment, Remark } from './layers.ts';
export { loadConfiguration } from './load.ts';
export type { LoadOptions } from './load.ts';
export { resolveConfiguration } from './resolve.ts';
export type { Configuration, ConfigurationSources, ConfiguredValue } from './resolve.ts';
export { configurationSchema } from './schema.ts';
export type {
  AccessLogSettings,
  CorsSettings,
  MetricsSettings,
  RunnerSettings,
  ServerSettings,
  TlsSettings,
  TracingSettings,
} from './settings.ts';
export type { ValueType } from './value-types.ts';

// Traces, as the configuration or OpenTelemetry's own variables ask for them.
import process from 'node:process';

import type { Configuration, Remark } from '@ekiben/config';
import type { TracingOptions } from '@ekiben/server';

/**
 * What is said in the configuration, or by OTEL_TRACES_EXPORTER, is meant so, and fails where packages are missing. An endpoint alone may
 * be there for every container of a cluster: it is taken where it can be, and else there is a warning.
 * @param readPem - the text of a file
 * @param warn - what has no effect
 */
export async function tracingOf(
  configuration: Configuration,
  readPem: (file: string) => string,
  warn: (remarks: readonly Remark[]) => void,
): Promise<TracingOptions | undefined> {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER: exporters } = process.env;
  if (OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const configured = configuration.tracing();
  if (configured !== undefined) {
    const { caFile, ...options } = configured;
    return { ...options, ...(caFile !== undefined && { ca: readPem(caFile) }) };
  }
  if (exporters !== undefined && exporters !== '') return exporters.split(',').includes('otlp') ? {} : undefined;
  const endpoint = ENDPOINTS.find((name) => process.env[name] !== undefined && process.env[name] !== '');
  if (endpoint === undefined) return undefined;
  const { whyNoTracing } = await import('@ekiben/server');
  const problem = await whyNoTracing();
  if (problem === null) return {};
  warn([{ place: endpoint, message: problem.message }]);
  return undefined;
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

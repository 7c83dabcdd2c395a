/** What must hold between keys. */
import type { Remark } from './layers.ts';
import type { Setting } from './collect.ts';

type Get = (key: string) => Setting | undefined;

/** What is set and has no effect beside the rest. */
export function ineffective(get: Get): Remark[] {
  const exporter = get('tracing.exporter_type');
  const type = exporter?.value ?? 'otlp';
  if (exporter === undefined || type === 'otlp') return [];
  const message = `tracing.exporter_type: ${String(type)} sends no traces: otlp does, and Jaeger and Zipkin collectors take it`;
  return [{ place: exporter.place, message }];
}

/** Of the values below `api_server`; a value of null counts as none. */
export function brokenRules(get: Get): Remark[] {
  const value = (key: string) => get(key)?.value ?? undefined;
  const remarks: Remark[] = [];
  const complain = (key: string, message: string) => {
    const setting = get(key);
    if (setting !== undefined) remarks.push({ place: setting.place, message: `api_server.${key}: ${message}` });
  };
  const [cert, key] = [value('ssl.certfile'), value('ssl.keyfile')];
  if (value('ssl.enabled') === true && cert === undefined)
    complain('ssl.enabled', 'HTTPS needs ssl.certfile and ssl.keyfile');
  if (cert !== undefined && key === undefined) complain('ssl.certfile', 'it needs its private key, ssl.keyfile');
  if (key !== undefined && cert === undefined) complain('ssl.keyfile', 'it needs its certificate, ssl.certfile');
  if (Number(value('ssl.cert_reqs') ?? 0) > 0 && value('ssl.ca_certs') === undefined) {
    complain('ssl.cert_reqs', "clients' certificates are checked against ssl.ca_certs, which is not set");
  }
  const bounds = ['metrics.duration.min', 'metrics.duration.max', 'metrics.duration.factor'];
  const set = bounds.filter((name) => value(name) !== undefined);
  const [first] = set;
  if (first !== undefined && set.length < bounds.length) complain(first, 'min, max and factor are only valid together');
  if (first !== undefined && value('metrics.duration.buckets') !== undefined) {
    complain(first, 'either buckets, or min, max and factor');
  }
  if (Number(value('metrics.duration.min')) >= Number(value('metrics.duration.max'))) {
    complain('metrics.duration.min', 'it must be less than max');
  }
  if (value('http.cors.enabled') === true && origins(value) === 0) {
    complain('http.cors.enabled', 'which origins? access_control_allow_origins, or access_control_allow_origin_regex');
  }
  return remarks;
}

const origins = (value: (key: string) => unknown) =>
  ['http.cors.access_control_allow_origins', 'http.cors.access_control_allow_origin_regex'].filter(
    (key) => value(key) !== undefined,
  ).length;

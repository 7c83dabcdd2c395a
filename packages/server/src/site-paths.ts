/** Pages for machines: requests of probes and scrapers are nobody's traffic. */
export const SITE_PATHS: readonly string[] = ['/metrics', '/healthz', '/livez', '/readyz'];

/** Bounds on what a client may take of the server. Those that a deployment may want otherwise are the defaults of an option. */

/** A load balancer keeps idle connections for 60 s by default and must be the one to close them, or its next request is reset. */
export const KEEP_ALIVE_TIMEOUT_MS = 72_000;

/** A client that needs longer for its headers is a slow-loris or gone. */
export const HEADERS_TIMEOUT_MS = 20_000;

/** For a whole request, body included: 1 GiB at 30 Mbit/s. */
export const REQUEST_TIMEOUT_MS = 300_000;

/** For an API to begin its answer; BentoML's, and that of load balancers: nobody waits longer. */
export const TIMEOUT_MS = 60_000;

/** Connections that wait in the kernel to be accepted; BentoML's. It takes no more than its own limit (`net.core.somaxconn`). */
export const BACKLOG = 2_048;

/** For requests in flight when the server closes; orchestrators kill after 30 s by default. */
export const GRACE_MS = 25_000;

/**
 * An idle connection is closed this long after the server stopped listening: a request that was on its way then still finds it open
 * and is told `connection: close` by its answer.
 */
export const IDLE_SETTLE_MS = 200;

/** What is left of a refused body is read and dropped up to this, so that the connection can be used again. */
export const DISCARD_BYTES = 64 * 1024;

/**
 * A connection with more than that is closed, but only after this long or when the client has sent it all: closing on unread data
 * resets the connection, and the client may never see the answer.
 */
export const LINGER_MS = 2_000;

/** An answer waits no longer than this for others of its turn. As much work as some hundred small requests are. */
export const HOLD_MS = 1;

/** Connections that wait while no API worker is there: as many as would wait in the kernel (`net.core.somaxconn`). */
export const MAX_WAITING_CONNECTIONS = 4_096;

/** A worker that has missed three signs of life is busy with something: others get the connections, as long as there are any. */
export const SILENT_MS = 1_500;

/** For the answer of each process to a scrape; Prometheus gives up after 10 s. */
export const SCRAPE_TIMEOUT_MS = 2_000;

/** Between the end of the grace time and the kill: what an API worker needs to close its runners. */
export const STOP_MARGIN_MS = 5_000;

/** What is counted in a process that is killed is lost from the last time on that it told. */
export const COLLECT_MS = 5_000;

/** What the kernel writes to a pipe in one piece (PIPE_BUF of Linux), so that lines of several processes do not mix. */
export const PIPE_BYTES = 4_096;

/** Lines of a log that wait for who reads it; further ones are dropped, since memory would grow without end. */
export const MAX_LOG_BYTES = 2 ** 20;

/** For the last spans to reach their collector when the server closes: less than {@link STOP_MARGIN_MS}. */
export const FLUSH_MS = 3_000;

/** The longest that node's timers take, 24 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** After it has taken over, a new generation has the CPU to itself before a process is started that stands by. */
export const STANDBY_DELAY_MS = 300;

/** The first of ours that a request meets. What could be done once was done before. */
import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { CLIENT_CLOSED, discardBody, problemReply } from '@ekiben/service';
import type { Dispatcher, Reply, Route } from '@ekiben/service';
import type { RequestMeter } from './request-meter.ts';
import type { GatheringRequest } from './gathering-request.ts';
import { NodeExchange } from './node-exchange.ts';
import { Outbox } from './outbox.ts';
import { answerHeaders } from './answer-headers.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import { tooMany, Traffic } from './traffic.ts';
import type { Flight, TrafficOptions } from './traffic.ts';
import { publishAnswered, publishStarted } from './request-channel.ts';
import type { RequestStarted } from './request-channel.ts';
import { writeReply } from './write-reply.ts';

type OnRequest = (request: GatheringRequest, response: ServerResponse) => void;

export interface Listener {
  readonly onRequest: OnRequest;
  /** For a request with `expect: 100-continue`. */
  readonly onCheckContinue: OnRequest;
  /** From now on every answer ends its connection. */
  drain(): void;
}

export interface ListenerOptions {
  /** By the route's index. */
  readonly meters: readonly RequestMeter[];
  /** The first so many routes are the service's own. */
  readonly apis: number;
  readonly traffic: TrafficOptions;
  readonly headers: AnswerHeaderOptions;
}

type HeadersOf = ReturnType<typeof answerHeaders>;

interface Request extends Flight {
  readonly meter: RequestMeter;
}

interface Answer extends Request {
  /** A function writes it by itself. */
  readonly reply: Reply | (() => Promise<void>);
}

export function createListener(dispatcher: Dispatcher<NodeExchange>, options: ListenerOptions): Listener {
  const { meters, apis } = options;
  const headersOf = answerHeaders(options.headers);
  let draining = false;

  const outbox = new Outbox<Answer>((request, now) => {
    const { exchange, reply } = request;
    const sent =
      typeof reply === 'function' ? write(exchange, reply, headersOf) : send(exchange, reply, draining, headersOf);
    if (typeof sent === 'number') end(request, sent, now);
    else void sent.then((status) => end(request, status, performance.now()));
  });
  const answer = ({ exchange, meter, started }: Request, reply: Answer['reply']) =>
    outbox.put({ exchange, reply, meter, started });

  const traffic = new Traffic<Request>(options.traffic, (late, error) => {
    late.exchange.signal().abort(error);
    answer(late, problemReply(error, late.exchange));
  });

  const run = (route: Route<NodeExchange>, exchange: NodeExchange, enter: RequestStarted['enter']) =>
    enter === null ? dispatcher.run(route, exchange) : enter(() => dispatcher.run(route, exchange));

  const listen = (message: GatheringRequest, response: ServerResponse, awaitsContinue: boolean): void => {
    const started = performance.now();
    const exchange = new NodeExchange(message, response, awaitsContinue, started, traffic.deadlineOf(started));
    const route = dispatcher.match(exchange.method, exchange.path);
    const meter = meters[route.index] as RequestMeter;
    const request: Request = { exchange, meter, started };
    meter.begin();
    const enter = publishStarted(exchange, route.path);
    if (route.index >= apis) {
      void run(route, exchange, enter).then((reply) => answer(request, reply));
    } else if (traffic.isFull) {
      answer(request, problemReply(tooMany(), exchange));
    } else {
      traffic.begin(request);
      void run(route, exchange, enter).then((reply) => {
        if (traffic.end(request)) answer(request, reply);
        else if (typeof reply !== 'function') discardBody(reply.body);
      });
    }
  };

  return {
    onRequest: (request, response) => listen(request, response, false),
    onCheckContinue: (request, response) => listen(request, response, true),
    drain: () => {
      draining = true;
    },
  };
}

function end({ exchange, reply, meter, started }: Answer, status: number, now: number): void {
  meter.end(status, now - started);
  publishAnswered(exchange, reply, status, now - started);
}

/** Sends the reply and returns the status that the client got; a promise only for a streamed body. Never fails. */
function send(exchange: NodeExchange, reply: Reply, close: boolean, headersOf: HeadersOf): number | Promise<number> {
  const { response } = exchange;
  if (response.destroyed) {
    discardBody(reply.body);
    return CLIENT_CLOSED;
  }
  try {
    const streaming = writeReply(exchange, reply, close, headersOf(exchange));
    return streaming === undefined
      ? reply.status
      : streaming.then(
          () => reply.status,
          (error) => cutOff(exchange, error, headersOf),
        );
  } catch (error) {
    return cutOff(exchange, error, headersOf);
  }
}

/** The answer failed on its way: no second head can follow a first, so the client learns it from a body that does not end. */
function cutOff(exchange: NodeExchange, error: unknown, headersOf: HeadersOf): number {
  const { response } = exchange;
  if (response.destroyed && isPrematureClose(error)) return CLIENT_CLOSED;
  const problem = problemReply(error, exchange);
  if (response.headersSent) response.destroy();
  else void writeReply(exchange, problem, true, headersOf(exchange));
  return problem.status;
}

const isPrematureClose = (error: unknown) =>
  (error as { code?: unknown } | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE';

/** Lets a route write its answer, and returns the status that the client got. Never rejects. */
async function write(exchange: NodeExchange, reply: () => Promise<void>, headersOf: HeadersOf): Promise<number> {
  const { response } = exchange;
  try {
    const pairs = headersOf(exchange);
    for (let at = 0; at + 1 < pairs.length; at += 2) response.setHeader(pairs[at] ?? '', pairs[at + 1] ?? '');
    await reply();
    return response.writableFinished ? response.statusCode : CLIENT_CLOSED;
  } catch (error) {
    return cutOff(exchange, error, headersOf);
  }
}

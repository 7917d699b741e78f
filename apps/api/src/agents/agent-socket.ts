import { randomBytes } from 'node:crypto';
import {
  CloseCode,
  encodeMessage,
  type Hello,
  HELLO_TIMEOUT_MS,
  OLDEST_SUPPORTED_PROTOCOL_VERSION,
  parseAgentMessage,
  PROTOCOL_VERSION,
} from '@coppice/protocol';
import type { WebSocket } from 'ws';
import type { Admitted, NotAdmitted } from '../hosts/admit-host.js';
import type { Log } from '../platform/log.js';
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS, MAX_HELLOS } from './limits.js';

/** The port for hosts: takes sockets that were upgraded on /agent. */
export type AgentSocket = { handle(socket: WebSocket): void };

/** What it needs: who may come, and what to do with those who may. */
type AgentSocketOptions = {
  admit: (hello: Hello, nonce: string) => Promise<Admitted | NotAdmitted>;
  begin: (socket: WebSocket, admitted: Admitted) => void;
  log: Log;
};

/** challenge → hello → welcomed | refused, within HELLO_TIMEOUT_MS; nothing else is read or sent before. */
export function createAgentSocket(options: AgentSocketOptions): AgentSocket {
  let hellos = 0;
  return {
    handle(socket) {
      socket.on('error', (error) => options.log.debug({ err: error }, 'a socket failed before or during its hello'));
      if (hellos >= MAX_HELLOS) {
        socket.close(CloseCode.UNAVAILABLE, 'too many hosts connect at once');
        return;
      }
      hellos += 1;
      shakeHands(socket, options)
        .catch((error: unknown) => {
          options.log.warn({ err: error }, 'a hello could not be answered');
          socket.close(CloseCode.UNAVAILABLE, 'the control plane cannot answer now');
        })
        .finally(() => {
          hellos -= 1;
        });
    },
  };
}

async function shakeHands(socket: WebSocket, options: AgentSocketOptions): Promise<void> {
  const nonce = randomBytes(32).toString('base64');
  socket.send(
    encodeMessage({
      type: 'session.challenged',
      nonce,
      oldestProtocolVersion: OLDEST_SUPPORTED_PROTOCOL_VERSION,
      protocolVersion: PROTOCOL_VERSION,
    }),
  );
  const hello = await readHello(socket);
  if (!hello) return;
  // What the agent says after its hello waits in the socket until there is a session that reads it.
  socket.pause();
  const isSpoken = hello.protocolVersion >= OLDEST_SUPPORTED_PROTOCOL_VERSION && hello.protocolVersion <= PROTOCOL_VERSION;
  const answer: Admitted | NotAdmitted = isSpoken ? await options.admit(hello, nonce) : versionRefused(hello.protocolVersion);
  if (answer.kind === 'refused') {
    options.log.warn({ host: hello.hostName, code: answer.closeCode }, `a host was refused: ${answer.message}`);
    socket.send(encodeMessage({ type: 'session.refused', closeCode: answer.closeCode, message: answer.message }));
    socket.close(answer.closeCode, answer.message.slice(0, 120));
    socket.resume();
    return;
  }
  if (socket.readyState !== socket.OPEN) {
    socket.resume();
    return;
  }
  socket.send(
    encodeMessage({
      type: 'session.welcomed',
      hostId: answer.hostId,
      sessionEpoch: Number(answer.epoch),
      incarnation: answer.incarnation,
      acknowledgedPosition: Number(answer.acknowledgedPosition),
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
    }),
  );
  options.begin(socket, answer);
  socket.resume();
}

/** The first message; null where the socket was closed before, was silent for too long, or said something else. */
function readHello(socket: WebSocket): Promise<Hello | null> {
  return new Promise((resolve) => {
    const finish = (hello: Hello | null) => {
      clearTimeout(timer);
      socket.off('message', read);
      socket.off('close', closed);
      resolve(hello);
    };
    const closed = () => finish(null);
    const read = (data: unknown, isBinary: boolean) => {
      const parsed = parseAgentMessage(isBinary ? '' : String(data));
      if (parsed.ok && parsed.message.type === 'session.hello') {
        finish(parsed.message);
        return;
      }
      const problem = parsed.ok ? `${parsed.message.type} came before session.hello` : parsed.problem;
      socket.close(CloseCode.BAD_MESSAGE, problem.slice(0, 120));
      finish(null);
    };
    const timer = setTimeout(() => {
      socket.close(CloseCode.TIMEOUT, 'no hello in time');
      finish(null);
    }, HELLO_TIMEOUT_MS);
    socket.on('message', read);
    socket.on('close', closed);
  });
}

function versionRefused(version: number): NotAdmitted {
  return {
    kind: 'refused',
    closeCode: CloseCode.VERSION_REFUSED,
    message: `The agent speaks version ${version} of the protocol; this control plane speaks ${OLDEST_SUPPORTED_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}. Update the older one.`,
  };
}

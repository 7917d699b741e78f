import type { Page } from 'playwright-core';

/** A page's live streams, which can be made late: what is held is delivered in order once it is released. */
export interface HeldStreams {
  hold(): void;
  release(): void;
}

/** Puts itself between a page and its WebSocket; before the page is loaded. Pongs always pass, so that the page does not take it for lost. */
export async function holdStreams(page: Page): Promise<HeldStreams> {
  let isHeld = false;
  let waiting: (() => void)[] = [];
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (isHeld && !message.toString().includes('"pong"')) waiting.push(() => socket.send(message));
      else socket.send(message);
    });
  });
  return {
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      const late = waiting;
      waiting = [];
      for (const deliver of late) deliver();
    },
  };
}

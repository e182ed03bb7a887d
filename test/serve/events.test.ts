/** Announcements: what listeners get, what they missed, and how many there may be. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { createSite, type OpenService, openService, type ReleaseJson, type Site, tick } from "./fixture.ts";

let site: Site;
let opened: OpenService | undefined;
let count = 0;
// The service's own timers do not keep a process alive, and here is no server that would.
const keepAlive = setInterval(() => {}, 1_000);
before(async () => {
  site = await createSite([1, 2, 3]);
});
afterEach(() => opened?.service.close());
after(async () => {
  clearInterval(keepAlive);
  await site.remove();
});

async function open(limits: Parameters<typeof openService>[1] = {}): Promise<OpenService> {
  opened = await openService({ ...site, storeFolder: `${site.storeFolder}-${count++}` }, limits);
  return opened;
}

/** Reads events one after another. */
function listen(response: Response) {
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        return event;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  };
  return {
    next,
    nextRelease: async (): Promise<string> => {
      for (;;) {
        const event = await next();
        const found = /^event: release\nid: (\d+)\ndata: (.*)$/u.exec(event ?? "");
        if (found === null) continue;
        const release = JSON.parse(found[2]!) as ReleaseJson;
        assert.equal(release.sequence, Number(found[1]));
        assert.equal(release.state, "ready");
        return `${found[1]} ${release.version}`;
      }
    },
    cancel: () => reader.cancel(),
  };
}

test("a listener is told of each release once it is ready, of its own app alone", async () => {
  const { get, announce } = await open();
  const [all, own] = [listen(await get("/v1/events")), listen(await get("/v1/events?app=other"))];
  assert.equal(await all.next(), "retry: 5000");
  await announce(1);
  await announce(2, "other");
  assert.equal(await all.nextRelease(), "1 v1");
  assert.equal(await all.nextRelease(), "2 v2");
  assert.equal(await own.nextRelease(), "2 v2");
});

test("who comes back gets what it missed, by Last-Event-ID or by after", async () => {
  const { get, announce } = await open();
  for (const version of [1, 2, 3]) await announce(version);
  const back = listen(await get("/v1/events?app=app", { "last-event-id": "1" }));
  assert.equal(await back.nextRelease(), "2 v2");
  assert.equal(await back.nextRelease(), "3 v3");
  const first = listen(await get("/v1/events?after=0"));
  assert.equal(await first.nextRelease(), "1 v1");
  const both = listen(await get("/v1/events?after=0", { "last-event-id": "2" }));
  assert.equal(await both.nextRelease(), "3 v3", "the header is newer than the URL");
});

test("signs of life come in between", async () => {
  const { get } = await open({ limits: { heartbeatMs: 1 } });
  const listener = listen(await get("/v1/events"));
  await listener.next();
  assert.equal(await listener.next(), ": heartbeat");
  assert.equal(await listener.next(), ": heartbeat");
});

test("there are as many listeners as the limits say, and room again when one leaves", async () => {
  const { service } = await open({ limits: { maxListeners: 3, maxListenersPerClient: 2 } });
  const ask = (address: string) => service.handle(new Request("http://service/v1/events"), { address });
  const first = listen(await ask("a"));
  await ask("a");
  assert.equal((await ask("a")).status, 429);
  await ask("b");
  const full = await ask("b");
  assert.equal(full.status, 503);
  assert.match(await full.text(), /TOO_MANY_LISTENERS/);
  await first.cancel();
  // The stream in between passes it on in its own time.
  while ((await ask("a")).status !== 200) await tick();
});

test("who does not read is let go before it fills the memory", async () => {
  const { get } = await open({ limits: { heartbeatMs: 1 } });
  const response = await get("/v1/events");
  for (;;) {
    const text = await (await get("/metrics")).text();
    if (/^flatdelta_listeners 0$/mu.test(text)) break;
    await tick();
  }
  assert.match(await response.text(), /heartbeat/);
});

test("closing the service ends what listeners hear", async () => {
  const { get, service } = await open();
  const listener = listen(await get("/v1/events"));
  await listener.next();
  await service.close();
  assert.equal(await listener.next(), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { BasisFiles, bareNameOf, stemOf } from "../../src/encode/candidates.ts";
import type { EntrySpan } from "../../src/encode/index.ts";

let offset = 0;
function file(path: string, contentBytes: number, contentHash = BigInt(offset + 1)): EntrySpan {
  const headerOffset = offset;
  offset += 512 + contentBytes;
  return {
    path,
    headerOffset,
    headerBytes: 512,
    contentOffset: headerOffset + 512,
    contentBytes,
    contentHash,
  };
}

test("a stem has no versions and no content hashes", () => {
  assert.equal(stemOf("usr/lib/libssl.so.3.0.15"), stemOf("usr/lib/libssl.so.3.0.16"));
  assert.equal(stemOf("app/public/app.4f2a9c01.js"), stemOf("app/public/app.b7d3e2f4.js"));
  assert.equal(stemOf("lib/python3.11/os.py"), stemOf("lib/python3.13/os.py"));
  assert.notEqual(stemOf("lib/a.py"), stemOf("lib/b.py"));
});

test("the file of the same path comes first, then that of the same stem and nearest size, then the same base name", () => {
  const same = file("usr/lib/libz.so.1.2.13", 1000);
  const near = file("usr/lib/libq.so.1.2", 2000);
  const far = file("usr/lib/libq.so.1.1", 9000);
  const elsewhere = file("opt/x/tool.js", 500);
  const files = new BasisFiles([same, near, far, elsewhere]);
  assert.equal(files.similar(file("usr/lib/libz.so.1.2.13", 5), same), same);
  assert.equal(files.similar(file("usr/lib/libz.so.1.3", 5), undefined), same);
  assert.equal(files.similar(file("usr/lib/libq.so.1.3", 2500), undefined), near);
  assert.equal(files.similar(file("srv/y/tool.js", 500), undefined), elsewhere);
  assert.equal(files.similar(file("srv/y/other.js", 500), undefined), undefined);
});

test("a library is known with its version and without", () => {
  assert.equal(bareNameOf("guava.jar"), bareNameOf("guava-32.0.1-jre.jar"));
  assert.equal(bareNameOf("netty-codec-http2.jar"), bareNameOf("netty-codec-http2-4.1.48.Final.jar"));
  assert.equal(bareNameOf("libssl.so"), bareNameOf("libssl.so.3.0.15"));
  assert.equal(bareNameOf("main.js"), bareNameOf("main.4f2a9c01.js"));
  assert.equal(bareNameOf("bin/tool"), bareNameOf("sbin/tool_v2"));
  assert.notEqual(bareNameOf("netty-codec.jar"), bareNameOf("netty-codec-http-4.1.48.Final.jar"));
  assert.notEqual(bareNameOf("guava.jar"), bareNameOf("guava-32.0.1-jre.pom"));
});

test("another version is the one of nearest size, and none where too many have its name", () => {
  const near = file("lib/guava.jar", 2000);
  const far = file("old/guava-jre.jar", 9000);
  const files = new BasisFiles([near, file("ext/guava.jar", 9000), far]);
  const wanted = file("lib/guava-32.0.1-jre.jar", 2500);
  assert.equal(files.similar(wanted, undefined), undefined);
  assert.equal(files.otherVersion(wanted), near);
  assert.equal(files.otherVersion(file("lib/guice-5.0.jar", 2500)), undefined);
  const many = new BasisFiles(Array.from({ length: 65 }, (_, i) => file(`lib/${i}/guava.jar`, 2000)));
  assert.equal(many.otherVersion(wanted), undefined);
});

test("equal content is found wherever it is: at its path, else behind the last one found, else anywhere", () => {
  const a = file("a/1", 10, 7n);
  const b = file("b/1", 10, 7n);
  const c = file("b/2", 20, 8n);
  const files = new BasisFiles([a, b, c]);
  assert.equal(files.sameContent(file("b/1", 10, 7n), b, undefined), b);
  assert.equal(files.sameContent(file("x/1", 10, 7n), undefined, a), b);
  assert.equal(files.sameContent(file("x/1", 10, 7n), undefined, undefined), a);
  assert.equal(files.sameContent(file("x/1", 11, 7n), undefined, undefined), undefined);
});

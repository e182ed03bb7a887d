/**
 * Run test files, the first of them first: `node --test` sorts them by name.
 *
 * Its arguments: how many files run at a time, and the files.
 */
import { run } from "node:test";
import { spec } from "node:test/reporters";

const [concurrency, ...files] = process.argv.slice(2);

run({ files, concurrency: Number(concurrency) })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);

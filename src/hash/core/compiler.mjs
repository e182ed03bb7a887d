/**
 * Runs the AssemblyScript compiler, once with each list of arguments that the JSON text in the first argument has.
 *
 * Not TypeScript, for a process of its own without tsx: passing the compiler through tsx takes half a minute, and all modules
 * are compiled in six seconds.
 */
import asc from "assemblyscript/asc";

for (const options of JSON.parse(process.argv[2])) {
  const { error, stderr } = await asc.main(options);
  if (error === null) continue;
  process.stderr.write(stderr.toString());
  throw error;
}

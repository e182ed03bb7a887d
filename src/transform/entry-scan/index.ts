export * from "./records.ts";
export { EntryScanner } from "./scanner.ts";

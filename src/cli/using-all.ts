/** What a command uses while it runs, and must close. */
interface Closable {
  close(): Promise<void>;
}

/** Let `use` open what it needs, and close all of it in the end, the last first. */
export async function usingAll<Result>(
  use: (open: <Kind extends Closable>(opened: Kind) => Kind) => Promise<Result>,
): Promise<Result> {
  const all: Closable[] = [];
  try {
    return await use((opened) => {
      all.push(opened);
      return opened;
    });
  } finally {
    for (const opened of all.reverse()) await opened.close();
  }
}

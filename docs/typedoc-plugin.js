/**
 * Lets any comment link to the classes of `flatdelta/errors` by name.
 *
 * TypeScript takes the braces of `@throws {@link FormatError}` for a type, so the link that typedoc would follow by the
 * file's imports is lost; typedoc then looks only in the module of the comment, and the errors have a module of their own.
 *
 * @param {import("typedoc").Application} app
 */
export function load(app) {
  app.converter.on("resolveBegin", ({ project }) => {
    const errors = project.getChildByName("errors");
    for (const { comment } of Object.values(project.reflections)) {
      for (const { content } of comment?.blockTags ?? []) {
        for (const part of content) {
          if (part.kind !== "inline-tag" || part.target !== undefined) continue;
          const found = errors?.getChildByName(part.text.trim());
          if (found !== undefined) part.target = found;
        }
      }
    }
  });
}

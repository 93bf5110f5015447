/** A text of the document: paragraphs, with `code` in them. Nothing else of Markdown is used there. */
export function Words({ text }: { text: unknown }) {
  if (typeof text !== "string" || text === "") return null;
  return (
    <>
      {text.split("\n\n").map((paragraph) => (
        <p>
          {paragraph
            .split("`")
            .map((part, index) => (index % 2 === 0 ? part : <code>{part}</code>))}
        </p>
      ))}
    </>
  );
}

import type { HtmlEscapedString } from "hono/utils/html";
import type { JsonSchema } from "#engine";
import type { OpenApiDocument } from "../api/openapi/document.ts";
import { OperationView } from "./operation-view.tsx";
import { groupsOf, type Group } from "./operations.ts";
import { SchemaView } from "./schema-view.tsx";
import { Words } from "./words.tsx";

/** Our own files only, and nothing inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** The document as a page for people; with words in `search` only what has them. */
export function docsPage(document: OpenApiDocument, search: string): Response {
  const html = (<Page document={document} search={search} />) as HtmlEscapedString;
  return new Response(`<!doctype html>${html}`, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      "Cross-Origin-Opener-Policy": "same-origin",
    },
  });
}

function Page({ document, search }: { document: OpenApiDocument; search: string }) {
  const groups = groupsOf(document, search);
  const { info, components } = document as unknown as {
    info: { title: string; version: string; description: string };
    components: {
      schemas: Record<string, JsonSchema>;
      responses: Record<string, { description: string }>;
    };
  };
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${info.title} API`}</title>
        <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/dashboard.css" />
        <link rel="stylesheet" href="/assets/docs.css" />
        <script src="/assets/docs.js" defer></script>
      </head>
      <body class="docs">
        <a class="skip" href="#main">
          Skip to the operations
        </a>
        <Side groups={groups} search={search} />
        <main id="main" tabindex={-1}>
          <h1>
            {info.title} API <small>{info.version}</small>
          </h1>
          <Words text={info.description} />
          <p>
            As OpenAPI 3.1: <a href="/openapi.json">/openapi.json</a>
          </p>
          <p id="found" role="status">
            {groups.length === 0 ? "Nothing has these words." : ""}
          </p>
          {groups.map((group) => (
            <GroupView group={group} />
          ))}
          <Shared responses={components.responses} schemas={components.schemas} />
        </main>
      </body>
    </html>
  );
}

function Side({ groups, search }: { groups: readonly Group[]; search: string }) {
  return (
    <header class="side">
      <a class="brand" href="/docs">
        <img src="/assets/favicon.svg" alt="" width="24" height="24" />
        Lovage API
      </a>
      <form action="/docs" method="get" role="search">
        <label for="q">Search</label>
        <input id="q" name="q" type="search" value={search} autocomplete="off" />
      </form>
      <nav aria-label="Operations by tag">
        <ul>
          {groups.map(({ name }) => (
            <li>
              <a href={`#${anchorOf(name)}`}>{name}</a>
            </li>
          ))}
          <li>
            <a href="#problems">problems</a>
          </li>
          <li>
            <a href="#schemas">schemas</a>
          </li>
        </ul>
      </nav>
    </header>
  );
}

function GroupView({ group: { name, description, operations } }: { group: Group }) {
  return (
    <section aria-labelledby={anchorOf(name)}>
      <h2 id={anchorOf(name)}>{name}</h2>
      <p>{description}</p>
      {operations.map((operation) => (
        <OperationView operation={operation} />
      ))}
    </section>
  );
}

function Shared({
  responses,
  schemas,
}: {
  responses: Readonly<Record<string, { readonly description: string }>>;
  schemas: Readonly<Record<string, JsonSchema>>;
}) {
  return (
    <>
      <section aria-labelledby="problems">
        <h2 id="problems">problems</h2>
        <dl class="fields">
          {Object.entries(responses).map(([name, { description }]) => (
            <div id={`response-${name}`}>
              <dt>{name}</dt>
              <dd>
                <Words text={description} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-labelledby="schemas">
        <h2 id="schemas">schemas</h2>
        {Object.entries(schemas).map(([name, schema]) => (
          <details class="schema" id={`schema-${name}`}>
            <summary>{name}</summary>
            <Words text={schema["description"]} />
            <SchemaView schema={schema} />
          </details>
        ))}
      </section>
    </>
  );
}

function anchorOf(tag: string): string {
  return `tag-${tag.replaceAll(" ", "-")}`;
}

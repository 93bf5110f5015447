import {
  curlOf,
  searchTextOf,
  type Content,
  type Operation,
  type Parameter,
  type Response,
} from "./operations.ts";
import { Bounds, SchemaView } from "./schema-view.tsx";
import { Words } from "./words.tsx";

/** One operation: its name in a line, and behind it what it takes and answers. */
export function OperationView({ operation }: { operation: Operation }) {
  const { operationId, method, path, summary, description, parameters = [] } = operation;
  return (
    <details class="operation" id={operationId} data-text={searchTextOf(operation)}>
      <summary>
        <span class={`method ${method.toLowerCase()}`}>{method}</span>
        <code class="path">{path}</code>
        <span class="summary">{summary}</span>
      </summary>
      <Words text={description} />
      {parameters.length === 0 ? null : <Parameters parameters={parameters} />}
      {operation.requestBody === undefined ? null : (
        <>
          <h3>Body</h3>
          <Words text={operation.requestBody.description} />
          <Contents content={operation.requestBody.content} />
        </>
      )}
      <h3>Example</h3>
      <pre tabindex={0} aria-label="A request with curl">
        <code>{curlOf(operation)}</code>
      </pre>
      <h3>Answers</h3>
      <dl class="answers">
        {Object.entries(operation.responses).map(([status, response]) => (
          <Answer status={status} response={response} />
        ))}
      </dl>
    </details>
  );
}

function Parameters({ parameters }: { parameters: readonly Parameter[] }) {
  return (
    <>
      <h3>Parameters</h3>
      <dl class="fields">
        {parameters.map(({ name, in: place, required, description, schema }) => (
          <div>
            <dt>
              <code>{name}</code> <span class="place">{place}</span>
              {required === true ? <span class="required"> required</span> : null}
            </dt>
            <dd>
              <SchemaView schema={schema} />
              <Words text={description} />
              <Bounds schema={schema} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Answer({ status, response }: { status: string; response: Response }) {
  const { $ref: shared, description, content } = response;
  const name = shared?.split("/").at(-1);
  return (
    <div>
      <dt>
        <code>{status}</code>
      </dt>
      <dd>
        {name === undefined ? null : <a href={`#response-${name}`}>{name}</a>}
        <Words text={description} />
        {content === undefined || "application/problem+json" in content ? null : (
          <Contents content={content} />
        )}
      </dd>
    </div>
  );
}

function Contents({ content }: { content: Content }) {
  return (
    <>
      {Object.entries(content).map(([type, { schema }]) => (
        <div class="content">
          {type === "application/json" ? null : <code class="media">{type}</code>}
          {type === "application/json" ? <SchemaView schema={schema} /> : null}
        </div>
      ))}
    </>
  );
}

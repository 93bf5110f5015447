import type {
  CanvasReader,
  Clock,
  DeadLetterBox,
  DeploymentControl,
  DeploymentMeters,
  LargeResults,
  Lovage,
  MonitorEvents,
  Random,
  Readiness,
  Registry,
  ScheduleBook,
  SystemWatch,
  TaskControl,
  TaskFigures,
  TaskReader,
  TaskSearch,
  TraceScope,
} from "#engine";
import type * as z from "zod";
import type { AuditLog } from "#domain/audit";
import type { AnyMail } from "#domain/mail";
import type { RequestLog } from "#domain/reports";
import type { ShopServices } from "#domain/services";
import type { Access, Caller, Policy, Scope } from "./callers/access.ts";
import type { Rate, RateCounter } from "./callers/rates.ts";

/** A setting of the deployment as it may be shown. */
export interface ShownSetting {
  readonly name: string;
  /** What it does, for people. */
  readonly does: string;
  /** `set` or `not set` for a secret. */
  readonly value: string;
  /** What holds when it is absent; null: it has to be there. */
  readonly fallback: string | null;
  readonly isSecret: boolean;
}

/** An API key without its secret. Times are epoch ms. */
export interface ApiKeyEntry {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  /** Null: never. */
  readonly expiresAt: number | null;
  /** Null: it was not. */
  readonly revokedAt: number | null;
}

export interface ApiKeyBook {
  /** By id, from behind `after` on. */
  page(after: string, limit: number): Promise<ApiKeyEntry[]>;
}

/** What the API is put together from. */
export interface ApiParts {
  readonly access: Access;
  readonly rates: RateCounter;
  /** Origins whose pages may use the API with a token. */
  readonly corsOrigins: readonly string[];
  readonly tasks: TaskReader & TaskControl;
  readonly control: DeploymentControl;
  readonly search: TaskSearch;
  readonly events: MonitorEvents;
  readonly canvases: CanvasReader;
  readonly schedules: ScheduleBook;
  /** Of schedules that name none. */
  readonly timezone: string;
  readonly largeResults: Pick<LargeResults, "get">;
  readonly deadLetters: DeadLetterBox;
  readonly figures: TaskFigures;
  readonly meters: DeploymentMeters;
  readonly registry: Registry<never>;
  /** The queues that have consumers, and the number of shards. */
  readonly queues: ReadonlySet<string>;
  readonly shards: number;
  /** Settings that may be shown. */
  readonly conf: Readonly<Record<string, unknown>>;
  /** The deployment's settings, for people who operate it. */
  readonly shownSettings: readonly ShownSetting[];
  readonly apiKeys: ApiKeyBook;
  /** @param trace what its calls belong to; absent: the trace of the request */
  lovageFor(owner: string, trace?: string | null): Lovage;
  /** The same; a lone short call may be run by the invocation itself, after its answer. */
  expressLovageFor(background: ApiCall["background"], owner: string, trace?: string | null): Lovage;
  /** What the shop's own routes work with. */
  readonly shop: ShopServices;
  /** Every message the shop sends. */
  readonly mails: readonly AnyMail[];
  readonly system: SystemWatch;
  readonly readiness: Readiness;
  readonly requestLog: Pick<RequestLog, "add">;
  readonly audit: Pick<AuditLog, "begin" | "end" | "list">;
  readonly clock: Clock;
  readonly trace: TraceScope;
  readonly random: Random;
  /** How many of the requests that went well are logged, from 0 to 1. */
  readonly logSampling: number;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** One request as a handler gets it: admitted, its path taken apart. */
export interface ApiCall {
  readonly request: Request;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Whether the caller would be let in now as then; for what goes on. No use that keeps a session alive. */
  readonly isStillLetIn: () => Promise<boolean>;
  /** Lets work run on after the answer; if it fails, the log says so. */
  readonly background: (work: Promise<void>) => void;
}

/** Content that is no JSON of ours, or that a handler reads by itself. */
export interface RawContent {
  /** Its media types; several: any of them. */
  readonly types: readonly string[];
  /** Of JSON that it may be instead. */
  readonly json?: z.ZodType;
  /** What it is. */
  readonly words: string;
}

/** What a route is for, as the OpenAPI document says it. */
export interface RouteDoc {
  /** A few words in the imperative. */
  readonly summary: string;
  /** One of TAGS. */
  readonly tag: string;
  /** What else its callers should know; Markdown. */
  readonly description?: string;
  /** The forms of what stands in its path; what is not named here is any text. */
  readonly params?: Readonly<Record<string, z.ZodType>>;
  /** Its parameters in the query, each with what it takes. */
  readonly query?: Readonly<Record<string, z.ZodType>>;
  /** The headers that it reads, besides those that every request has. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** The JSON that it takes: the schema that its handler reads the body with. */
  readonly body?: z.ZodType | RawContent;
  /** A body that it takes. */
  readonly example?: unknown;
  /** What it answers when all is well, by status: the schema of its JSON, other content, or words about none. */
  readonly answers: Readonly<Record<number, z.ZodType | RawContent | string>>;
  /** Codes of its problems by status, besides those that every route of its kind may answer. */
  readonly problems?: Readonly<Record<number, readonly string[]>>;
  /** What its handler refuses with instead, where others' clients expect no problem+json. */
  readonly refusals?: RawContent;
}

/** A route declares who may use it; a route that does not is a type error. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Without the trailing slash; answers with it too. */
  readonly path: string;
  readonly scope: Policy | "public";
  /** A scope that is needed besides. */
  readonly alsoNeeds?: Scope;
  /** What its requests are counted with; a route that does not say is a type error. */
  readonly rate: Rate;
  /** A form that is only shown again with what it would mean: no operator's action, though it is posted. */
  readonly changesNothing?: true;
  /** Absent: a page for people. */
  readonly doc?: RouteDoc;
  readonly handle: (call: ApiCall) => Response | Promise<Response>;
}

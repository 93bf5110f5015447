import {
  importIdSecret,
  Lovage,
  Registry,
  type AnyTaskDefinition,
  type LovageSettings,
} from "#engine";
import { readConfig, type Config } from "./config.ts";
import { createApi } from "./delivery/api/index.ts";
import { shopTasks, type ShopServices } from "./domain/index.ts";
import { drain } from "./platform/consumer/drain.ts";
import { QUEUES } from "./platform/doorbell.ts";
import type { Env } from "./platform/env.ts";
import { History } from "./platform/history/history.ts";
import { LedgerDirectory } from "./platform/ledger/directory.ts";
import { log } from "./platform/log.ts";
import { systemClock, systemRandom, systemTimers } from "./platform/system.ts";

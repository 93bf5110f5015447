/** What the Worker needs of Node's async_hooks in workerd; all of Node's types would be too many. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<Store> {
    getStore(): Store | undefined;
    run<T>(store: Store, work: () => T): T;
  }
}

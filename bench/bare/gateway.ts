/** A proxy and nothing else: what a Worker cannot do without if it passes calls on. */
interface BareEnv {
  /** Origin of the backend. */
  BACKEND: string;
}

export default {
  fetch({ url, method, headers, body }, env): Promise<Response> {
    const { pathname, search } = new URL(url);
    return fetch(`${env.BACKEND}${pathname}${search}`, { method, headers, body, redirect: "manual" });
  },
} satisfies ExportedHandler<BareEnv>;

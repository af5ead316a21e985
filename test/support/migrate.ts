import { applyD1Migrations, reset, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

const { MIGRATIONS } = env as unknown as { MIGRATIONS: D1Migration[] };

// The files of a project share one runtime; each begins with an empty storage. As one migration its tables take half the time.
await reset();
await applyD1Migrations(env.DB, [{ name: "all", queries: MIGRATIONS.flatMap(({ queries }) => queries) }]);

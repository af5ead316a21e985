import type { Context as HonoContext } from "hono";

// Nothing of the page is in the page itself, and what it shows is only ever made as text.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The reference client of the Hub Client API: walks through the workflow that the path names. See `src/hub/`. */
export function hubPage(c: HonoContext): Response {
  c.header("content-security-policy", policy);
  return c.html(page);
}

// Named here so that a browser does not find them one behind the other.
const modules = ["api", "attend", "dom", "fields", "file", "views", "words"];
const preloads = modules.map((name) => `<link rel="modulepreload" href="/hub-assets/${name}.js" />`).join("\n    ");

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="robots" content="noindex" />
    <title>One moment</title>
    <link rel="stylesheet" href="/hub-assets/hub.css" />
    <link rel="icon" href="data:," />
    ${preloads}
    <script type="module" src="/hub-assets/hub.js"></script>
  </head>
  <body>
    <header>
      <p id="name"></p>
      <p id="progress"></p>
    </header>
    <main>
      <noscript><p class="alert">This page needs JavaScript.</p></noscript>
      <div id="view"><h1 tabindex="-1">One moment</h1></div>
      <p id="status" role="status"></p>
    </main>
  </body>
</html>
`;

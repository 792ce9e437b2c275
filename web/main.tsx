import { render } from "preact";
import { App } from "./app.tsx";
import { startSession } from "./state/session.ts";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
void startSession();
render(<App />, root);

import { render } from "preact";
import { OperatorPage } from "./page.tsx";

const root = document.getElementById("app");
if (!root) throw new Error("operator.html has no #app");
render(<OperatorPage />, root);

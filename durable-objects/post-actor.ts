import { DurableObject } from "cloudflare:workers";
export class PostActor extends DurableObject<Env> {}

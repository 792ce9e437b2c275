export { PostActor } from "../durable-objects/post-actor.ts";
export default {};

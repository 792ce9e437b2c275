import { api } from "./api.ts";
import { learnFollows } from "./follows.ts";
import { forgetLists } from "./list.ts";
import { forgetPosts } from "./posts.ts";
import { asProblem } from "./problem.ts";
import { tell } from "./toast.ts";

/** Answers whether it was saved. Nothing shows it before: who blocks somebody must not believe in it too early. */
export async function block(handle: string, wanted: boolean): Promise<boolean> {
  try {
    await api.block(handle, wanted);
  } catch (error) {
    tell(`That was not saved. ${asProblem(error).message}`, "error");
    return false;
  }
  if (wanted) learnFollows([handle], "none");
  forgetLists();
  forgetPosts();
  return true;
}

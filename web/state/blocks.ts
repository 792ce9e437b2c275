import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { setFollowStates } from "./follows.ts";
import { forgetLists } from "./list.ts";
import { forgetPosts } from "./posts.ts";

/** Blocks or unblocks a person. Resolves with whether it was saved: nothing may show a block before it holds. */
export async function block(handle: string, wanted: boolean): Promise<boolean> {
  try {
    await api.block(handle, wanted);
  } catch (error) {
    showToast(`Couldn’t save that. ${asProblem(error).message}`, "error");
    return false;
  }
  if (wanted) setFollowStates([handle], "none");
  forgetLists();
  forgetPosts();
  return true;
}

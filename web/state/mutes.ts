import type { PersonCard } from "../../schema/api/people.ts";
import { api } from "../api/api.ts";
import { asProblem } from "../api/problem.ts";
import { showToast } from "../browser/toast.ts";
import { nameOf } from "../words/names.ts";
import { forgetLists } from "./list.ts";

/** Mutes or unmutes a person. Resolves with whether it was saved. */
export async function mute(person: PersonCard, wanted: boolean): Promise<boolean> {
  try {
    await api.mute(person.handle, wanted);
  } catch (error) {
    showToast(`Couldn’t save that. ${asProblem(error).message}`, "error");
    return false;
  }
  forgetLists();
  showToast(wanted ? `${nameOf(person)} is muted` : `${nameOf(person)} is no longer muted`);
  return true;
}

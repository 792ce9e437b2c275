import type { Growth, Point } from "./growth.ts";
import { type Report, short } from "./report.ts";

export const growthReports = ({ followees, posts }: Growth): Report[] => [
  reportOf("A feed page of 30 against how many people one follows", "followees", followees),
  reportOf("A feed page of 30 against how many posts there are", "posts", posts),
];

const reportOf = (title: string, what: string, points: Point[]): Report => ({
  title: `${title}: one request after the other, in ms`,
  table: [[what, "p50", "p99"], ...points.map(({ size, times }) => [String(size), short(times.p50), short(times.p99)])],
  notes: [],
  measured: points,
  wrong: [],
});

import type { Growth, Point } from "../measurements/growth.ts";
import { type Report, short } from "../output/report.ts";

export const growthReports = ({ followees, posts }: Growth): Report[] => [
  reportOf("A feed page of 30, by number of people followed", "followees", followees),
  reportOf("A feed page of 30, by number of posts in the database", "posts", posts),
];

const reportOf = (title: string, what: string, points: Point[]): Report => ({
  title: `${title}: sequential requests, in ms`,
  table: [[what, "p50", "p99"], ...points.map(({ size, times }) => [String(size), short(times.p50), short(times.p99)])],
  notes: [],
  measured: points,
  wrong: [],
});

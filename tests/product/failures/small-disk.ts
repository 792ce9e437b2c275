/** A disk of a few megabytes (a tmpfs), which can be filled to its last byte and enlarged while in use. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FILLER = ".filler";

export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static mount(bytes: number): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), "shutterline-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "shutterline-test", path], { stdio: "pipe" });
    } catch (error) {
      rmSync(path, { recursive: true });
      throw error;
    }
    return new SmallDisk(path);
  }

  /** Why such a disk cannot be mounted on this machine; undefined if it can. */
  static whyNot(): string | undefined {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux and root to mount a tmpfs";
    try {
      SmallDisk.mount(65_536).unmount();
      return undefined;
    } catch (error) {
      return `a tmpfs cannot be mounted: ${String(error)}`;
    }
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Fills the disk until `bytes` are free; with 0, to the last byte. */
  fill(bytes = 0): void {
    const filler = openSync(join(this.path, FILLER), "a");
    try {
      const zeros = Buffer.alloc(65_536);
      for (let rest = this.free - bytes; rest > 0; rest = this.free - bytes) {
        writeSync(filler, zeros, 0, Math.min(rest, zeros.length));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error; // Another process took the last byte.
    } finally {
      closeSync(filler);
    }
  }

  /** Enlarges the disk to `bytes` while it is in use, as an operator enlarges a volume. */
  grow(bytes: number): void {
    execFileSync("mount", ["-o", `remount,size=${bytes}`, this.path], { stdio: "pipe" });
  }

  /** Unmounts the disk; its content is gone once no process uses it. */
  unmount(): void {
    execFileSync("umount", ["--lazy", this.path], { stdio: "pipe" });
    rmSync(this.path, { recursive: true });
  }
}

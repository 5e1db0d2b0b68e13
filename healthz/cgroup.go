package healthz

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A cgroup reads what a Linux container may use and what it uses: version 2
// (the kernel's Documentation/admin-guide/cgroup-v2.rst) where it governs,
// version 1 (cgroup-v1/memory.rst, scheduler/sched-bwc.rst) otherwise. The
// limits of the groups around it count too.
type cgroup struct {
	root fs.FS // of the machine; tests have their own
}

const mount = "sys/fs/cgroup"

// memory returns the bytes in use and the limit. Without a limit, ok is false.
// As the kubelet counts it, the page cache that the kernel can drop at once is
// not in use.
func (g cgroup) memory() (used, limit float64, ok bool) {
	limit, dir := g.tightest("", func(dir string) float64 { return g.number(dir, "memory.max") })
	if dir != "" {
		used = g.number(dir, "memory.current") - g.field(dir, "memory.stat", "inactive_file")
		return max(0, used), limit, used == used
	}
	limit, dir = g.tightest("memory", func(dir string) float64 {
		n := g.number(dir, "memory.limit_in_bytes")
		if n >= 1<<60 { // no limit is the greatest number of pages
			return nan
		}
		return n
	})
	if dir != "" {
		used = g.number(dir, "memory.usage_in_bytes") - g.field(dir, "memory.stat", "total_inactive_file")
		return max(0, used), limit, used == used
	}
	return 0, 0, false
}

// cpu returns the seconds of processor time used so far and how many
// processors may be used. Without a quota, ok is false.
func (g cgroup) cpu() (used, quota float64, ok bool) {
	quota, dir := g.tightest("", func(dir string) float64 {
		words := strings.Fields(g.read(dir, "cpu.max"))
		if len(words) != 2 {
			return nan
		}
		return parse(words[0]) / parse(words[1])
	})
	if dir != "" {
		used = g.field(dir, "cpu.stat", "usage_usec") / 1e6
		return used, quota, used == used && quota > 0
	}
	quota, dir = g.tightest("cpu", func(dir string) float64 {
		q := g.number(dir, "cpu.cfs_quota_us")
		if q <= 0 {
			return nan
		}
		return q / g.number(dir, "cpu.cfs_period_us")
	})
	if dir != "" {
		dir = path.Join(mount, "cpuacct", strings.TrimPrefix(dir, path.Join(mount, "cpu")))
		used = g.number(dir, "cpuacct.usage") / 1e9
		return used, quota, used == used && quota > 0
	}
	return 0, 0, false
}

// tightest returns the lowest limit of this process's group and those around
// it, and the folder of the group that has it, or "".
func (g cgroup) tightest(controller string, limit func(dir string) float64) (lowest float64, where string) {
	for _, dir := range g.dirs(controller) {
		if n := limit(dir); n == n && (where == "" || n < lowest) {
			lowest, where = n, dir
		}
	}
	return lowest, where
}

// dirs returns the folders of this process's group and of those around it, the
// innermost first, and last the mount's own: in a container the path that
// /proc tells is often the host's, and what is mounted is the group itself.
func (g cgroup) dirs(controller string) []string {
	base := path.Join(mount, controller)
	own := ""
	for line := range strings.Lines(g.read("proc/self", "cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && has(parts[1], controller) {
			own = parts[2]
		}
	}
	var dirs []string
	for p := path.Clean("/" + own); p != "/"; p = path.Dir(p) {
		dirs = append(dirs, path.Join(base, p))
	}
	return append(dirs, base)
}

// has says whether a comma-separated list of controllers has one; the list of
// version 2 is empty, and has "".
func has(list, controller string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == controller {
			return true
		}
	}
	return false
}

func (g cgroup) read(dir, file string) string {
	b, err := fs.ReadFile(g.root, path.Join(dir, file))
	if err != nil {
		return ""
	}
	return string(b)
}

// number returns the number in a file, or NaN.
func (g cgroup) number(dir, file string) float64 { return parse(strings.TrimSpace(g.read(dir, file))) }

// field returns the number after a word in a file, or NaN.
func (g cgroup) field(dir, file, name string) float64 {
	for line := range strings.Lines(g.read(dir, file)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return parse(strings.TrimSpace(rest))
		}
	}
	return nan
}

func parse(s string) float64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return nan
	}
	return float64(n)
}

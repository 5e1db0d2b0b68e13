package healthz

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func files(pairs ...string) cgroup {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return cgroup{fs}
}

func TestCgroupLimits(t *testing.T) {
	const none = -1
	for _, test := range []struct {
		where          string
		group          cgroup
		memory, limit  float64
		seconds, quota float64
	}{
		{"on a machine without", files(), none, none, none, none},
		{"version 2, in the container's own name space", files(
			"proc/self/cgroup", "0::/\n",
			"sys/fs/cgroup/memory.max", "1000\n", "sys/fs/cgroup/memory.current", "900\n",
			"sys/fs/cgroup/memory.stat", "anon 500\ninactive_file 300\n",
			"sys/fs/cgroup/cpu.max", "150000 100000\n", "sys/fs/cgroup/cpu.stat", "usage_usec 2500000\nuser_usec 1\n",
		), 600, 1000, 2.5, 1.5},
		{"version 2 without limits", files(
			"proc/self/cgroup", "0::/a\n",
			"sys/fs/cgroup/a/memory.max", "max\n", "sys/fs/cgroup/a/memory.current", "900\n", "sys/fs/cgroup/a/memory.stat", "inactive_file 0\n",
			"sys/fs/cgroup/a/cpu.max", "max 100000\n",
		), none, none, none, none},
		{"version 2, a group around it has the tighter limit", files(
			"proc/self/cgroup", "0::/pod/box\n",
			"sys/fs/cgroup/pod/box/memory.max", "max\n",
			"sys/fs/cgroup/pod/memory.max", "500\n", "sys/fs/cgroup/pod/memory.current", "250\n", "sys/fs/cgroup/pod/memory.stat", "inactive_file 50\n",
			"sys/fs/cgroup/pod/box/cpu.max", "400000 100000\n",
			"sys/fs/cgroup/pod/cpu.max", "200000 100000\n", "sys/fs/cgroup/pod/cpu.stat", "usage_usec 1000000\n",
		), 200, 500, 1, 2},
		{"version 1", files(
			"proc/self/cgroup", "9:name=systemd:/\n4:memory:/box\n2:cpu,cpuacct:/box\n",
			"sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2000\n", "sys/fs/cgroup/memory/box/memory.usage_in_bytes", "1500\n",
			"sys/fs/cgroup/memory/box/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n",
			"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n", "sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n",
			"sys/fs/cgroup/cpuacct/box/cpuacct.usage", "3000000000\n",
		), 1000, 2000, 3, .5},
		{"version 1, where /proc tells the host's path and the mount is the container's", files(
			"proc/self/cgroup", "4:memory:/docker/0123\n2:cpu,cpuacct:/docker/0123\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n", "sys/fs/cgroup/memory/memory.usage_in_bytes", "1500\n",
			"sys/fs/cgroup/memory/memory.stat", "total_inactive_file 0\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n",
			"sys/fs/cgroup/cpuacct/cpuacct.usage", "1000000000\n",
		), 1500, 2000, 1, 1},
		{"version 1 without limits", files(
			"proc/self/cgroup", "4:memory:/\n2:cpu,cpuacct:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes", "1500\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
		), none, none, none, none},
		{"where files hold nonsense", files(
			"proc/self/cgroup", "what\n::::\n", "sys/fs/cgroup/memory.max", "12 apples\n", "sys/fs/cgroup/cpu.max", "1\n",
		), none, none, none, none},
		{"where usage is missing", files("sys/fs/cgroup/memory.max", "1000\n", "sys/fs/cgroup/cpu.max", "1 1\n"), none, none, none, none},
	} {
		used, limit, ok := test.group.memory()
		if ok != (test.limit != none) || ok && (used != test.memory || limit != test.limit) {
			t.Errorf("%s: memory %v of %v, %v", test.where, used, limit, ok)
		}
		seconds, quota, ok := test.group.cpu()
		if ok != (test.quota != none) || ok && (seconds != test.seconds || quota != test.quota) {
			t.Errorf("%s: processor %v of %v, %v", test.where, seconds, quota, ok)
		}
	}
}

func TestProcessorUse(t *testing.T) {
	t.Run("of the machine, since the run before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			busy, total := 100.0, 1000.0
			m := &cpuMeter{group: files(), host: func(context.Context) (float64, float64, error) { busy += 3; total += 10; return busy, total, nil }}
			begin := time.Now()
			if got, err := m.usage(t.Context()); got != 30 || err != nil || time.Since(begin) != settle {
				t.Errorf("%v, %v after %v", got, err, time.Since(begin))
			}
			busy += 7
			time.Sleep(time.Minute)
			begin = time.Now()
			if got, _ := m.usage(t.Context()); got != 100 || time.Since(begin) != 0 {
				t.Errorf("%v after %v", got, time.Since(begin))
			}
		})
	})
	t.Run("of the container's quota", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stat := &fstest.MapFile{Data: []byte("usage_usec 0\n")}
			group := cgroup{fstest.MapFS{"sys/fs/cgroup/cpu.max": {Data: []byte("50000 100000\n")}, "sys/fs/cgroup/cpu.stat": stat}}
			m := &cpuMeter{group: group}
			_, _ = m.usage(t.Context())
			stat.Data = []byte("usage_usec 4000000\n")
			time.Sleep(10 * time.Second)
			if got, err := m.usage(t.Context()); math.Abs(got-80) > .01 || err != nil {
				t.Errorf("4 s of processor time in 10 s at half a processor are %v %%, %v", got, err)
			}
		})
	})
	t.Run("of the machine, where the quota is more than that", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			group := files("sys/fs/cgroup/cpu.max", "100000000000 100000\n", "sys/fs/cgroup/cpu.stat", "usage_usec 0\n")
			busy := 0.0
			m := &cpuMeter{group: group, host: func(context.Context) (float64, float64, error) { busy += 9; return busy, busy / 9 * 10, nil }}
			if got, err := m.usage(t.Context()); math.Abs(got-90) > .01 || err != nil {
				t.Errorf("%v, %v", got, err)
			}
		})
	})
	t.Run("which cannot be read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &cpuMeter{group: files(), host: func(context.Context) (float64, float64, error) { return 0, 0, errors.New("no") }}
			if _, err := m.usage(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	})
	t.Run("while the check is given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := &cpuMeter{group: files(), host: func(context.Context) (float64, float64, error) { return 1, 1, nil }}
			ctx, cancel := context.WithTimeout(t.Context(), settle/2)
			defer cancel()
			if _, err := m.usage(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	})
}

func TestTheMachineIsMeasured(t *testing.T) {
	for _, c := range machine(Thresholds{}.defaults()) {
		r := c.Run(t.Context())
		if r.Err != nil || r.Unit != "%" || r.Value < 0 || r.Value > 100 {
			t.Errorf("%s: %+v", c.Name, r)
		}
		t.Logf("%s: %.1f %%", c.Name, r.Value)
	}
	r := machine(Thresholds{DiskPath: "/no/such/place"}.defaults())[2].Run(t.Context())
	if r.Err == nil {
		t.Errorf("a disk that is not there: %+v", r)
	}
}

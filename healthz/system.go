package healthz

import (
	"context"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
)

var nan = math.NaN()

// machine returns the checks of the processor, the memory and the disk. Memory
// and disk count for readiness: without them there is no work. The processor
// does not: a program that is busy works, and to send its requests elsewhere
// makes the next one busy.
func machine(t Thresholds) []Check {
	var checks []Check
	add := func(b Bounds, c Check) {
		if !b.off() {
			c.system = true
			checks = append(checks, c)
		}
	}
	group := cgroup{os.DirFS("/")}
	meter := &cpuMeter{group: group, host: hostCPU}
	add(t.CPU, Check{
		Name: "cpu_usage", Description: "Processor time in use",
		Run: func(ctx context.Context) Result { return percent(t.CPU)(meter.usage(ctx)) },
	})
	add(t.Memory, Check{
		Name: "memory_usage", Description: "Memory in use", Ready: true,
		Run: func(ctx context.Context) Result { return percent(t.Memory)(memoryUsage(ctx, group)) },
	})
	add(t.Disk, Check{
		Name: "disk_usage", Description: "Use of the file system of " + t.DiskPath, Ready: true,
		Run: func(ctx context.Context) Result { return percent(t.Disk)(diskUsage(ctx, t.DiskPath)) },
	})
	return checks
}

func percent(b Bounds) func(float64, error) Result {
	return func(v float64, err error) Result {
		if err != nil {
			return Result{Err: err}
		}
		return rated(b, v, "%")
	}
}

func memoryUsage(ctx context.Context, group cgroup) (float64, error) {
	host, err := mem.VirtualMemoryWithContext(ctx)
	// A limit above what the machine has limits nothing.
	if used, limit, ok := group.memory(); ok && (err != nil || limit <= float64(host.Total)) && limit > 0 {
		return 100 * used / limit, nil
	}
	if err != nil {
		return 0, err
	}
	return host.UsedPercent, nil
}

func diskUsage(ctx context.Context, path string) (float64, error) {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return 0, err
	}
	return u.UsedPercent, nil
}

// A cpuMeter measures the use of the processor between two readings. It keeps
// the earlier one itself: gopsutil's Percent keeps one for the whole process.
type cpuMeter struct {
	group cgroup
	host  func(context.Context) (busy, total float64, err error)

	mu   sync.Mutex // guards last
	last cpuReading
}

// A cpuReading has the seconds in use so far, and those that there were.
type cpuReading struct {
	busy, total float64
	limited     bool // by the container's quota
	at          time.Time
}

// settle is the shortest time to measure over; the first run waits for it.
const settle = 100 * time.Millisecond

// usage returns the use since the call before, in percent.
func (m *cpuMeter) usage(ctx context.Context) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.at.IsZero() {
		first, err := m.read(ctx)
		if err != nil {
			return 0, err
		}
		m.last = first
	}
	if wait := settle - time.Since(m.last.at); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	now, err := m.read(ctx)
	if err != nil {
		return 0, err
	}
	was := m.last
	m.last = now
	return now.since(was), nil
}

func (m *cpuMeter) read(ctx context.Context) (cpuReading, error) {
	at := time.Now()
	// A quota above what the machine has limits nothing.
	if used, quota, ok := m.group.cpu(); ok && quota <= float64(runtime.NumCPU()) {
		return cpuReading{busy: used, total: quota, limited: true, at: at}, nil
	}
	busy, total, err := m.host(ctx)
	return cpuReading{busy: busy, total: total, at: at}, err
}

// since returns the use from one reading to the next, in percent. For a
// container total is the number of processors it may use at once.
func (r cpuReading) since(was cpuReading) float64 {
	if r.limited != was.limited {
		return 0
	}
	total := r.total - was.total
	if r.limited {
		total = r.total * r.at.Sub(was.at).Seconds()
	}
	if total <= 0 {
		return 0
	}
	return min(100, max(0, 100*(r.busy-was.busy)/total))
}

// hostCPU returns the machine's busy and total processor time, in seconds.
func hostCPU(ctx context.Context) (busy, total float64, err error) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range times {
		// Guest time is in user time already; see proc_stat(5).
		all := t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
		busy += all - t.Idle - t.Iowait
		total += all
	}
	return busy, total, nil
}

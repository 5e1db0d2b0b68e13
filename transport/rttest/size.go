package rttest

import (
	"io"
	"net/http"
	"runtime"
)

// A large body passes through a wrapper without staying in it.
var sizeRules = []rule{
	{"large-response", "a response of 200 MB passes in at most 2 MiB of memory", memory, largeResponse},
	{"large-upload", "an upload of 128 MB passes in at most 2 MiB of memory", memory, largeUpload},
	{"large-over-connection", "a large response and a large upload pass over a connection in at most 2 MiB of memory", sockets, largeOverConnection},
}

const (
	responseSize = 200_000_000
	uploadSize   = 128_000_000
	shortSize    = 8_000_000
	heapBound    = 2 << 20
)

// zeros is a reader that never ends, and fills nothing: what it leaves in the
// buffer is not looked at.
type zeros struct{}

func (zeros) Read(buf []byte) (int, error) { return len(buf), nil }

func (p *probe) size(full int64) int64 {
	if p.short {
		return shortSize
	}
	return full
}

// inLittleMemory runs transfer, which calls sample while it is under way, and
// complains if the memory in use grew past the bound. What other tests do at
// the same time counts too; it tries again before it complains.
func (p *probe) inLittleMemory(what string, transfer func(sample func())) {
	p.Helper()
	var growth uint64
	for range 3 {
		if growth = heapGrowth(transfer); growth <= heapBound {
			return
		}
	}
	p.fault("%s took %.1f MiB of memory", what, float64(growth)/(1<<20))
}

// heapGrowth compares the most that was in use during a transfer with what was
// in use before or after it, whichever is less: what is left over from earlier
// transfers may be freed at any moment.
func heapGrowth(transfer func(sample func())) uint64 {
	least := heap()
	most := least
	transfer(func() { most = max(most, heap()) })
	least = min(least, heap())
	return most - least
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// swallow reads a body in four parts, and samples after each but the last.
func swallow(body io.Reader, size int64, sample func()) (int64, error) {
	buf := struct{ io.Writer }{io.Discard} // no ReaderFrom: a plain copy
	var all int64
	for range 3 {
		n, err := io.CopyN(buf, body, size/4)
		if all += n; err != nil {
			return all, err
		}
		sample()
	}
	n, err := io.Copy(buf, body)
	return all + n, err
}

func (p *probe) download(rt http.RoundTripper, url string, size int64) {
	p.Helper()
	p.inLittleMemory("a large response", func(sample func()) {
		resp := p.fetch(rt, p.requestTo(url, http.MethodGet, nil))
		defer resp.Body.Close()
		sample()
		var n int64
		var err error
		p.within("a large response", func() { n, err = swallow(resp.Body, size, sample) })
		if n != size || err != nil {
			p.fault("%d of %d bytes arrived, %v", n, size, err)
		}
	})
}

// upload expects a server, or a base, that swallows with the sample that it
// gets from the channel.
func (p *probe) upload(rt http.RoundTripper, url string, size int64, samples chan func()) {
	p.Helper()
	p.inLittleMemory("a large upload", func(sample func()) {
		samples <- sample
		req := p.requestTo(url, http.MethodPost, io.LimitReader(zeros{}, size))
		req.ContentLength = size
		p.fetch(rt, req).Body.Close()
	})
}

func largeResponse(p *probe) {
	size := p.size(responseSize)
	rt := p.wrap(responds(func(*http.Request) io.ReadCloser { return io.NopCloser(io.LimitReader(zeros{}, size)) }))
	p.download(rt, "http://"+p.host()+"/", size)
}

func largeUpload(p *probe) {
	size := p.size(uploadSize)
	samples := make(chan func(), 1)
	rt := p.wrap(baseFunc(func(req *http.Request) (*http.Response, error) {
		defer req.Body.Close()
		n, err := swallow(req.Body, size, <-samples)
		if n != size || err != nil {
			p.fault("%d of %d bytes arrived, %v", n, size, err)
		}
		return answer(req, http.StatusOK, "fine"), nil
	}))
	p.upload(rt, "http://"+p.host()+"/", size, samples)
}

func largeOverConnection(p *probe) {
	down, up := p.size(responseSize), p.size(uploadSize)
	if p.suite.HTTP2 {
		down, up = down/8, up/8 // encryption takes its time
	}
	samples := make(chan func(), 1)
	chunk := make([]byte, 256<<10)
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, err := swallow(r.Body, up, <-samples)
			if n != up || err != nil {
				p.fault("%d of %d bytes arrived, %v", n, up, err)
			}
			return
		}
		for left := down; left > 0; left -= int64(len(chunk)) {
			if _, err := w.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
				return
			}
		}
	})
	s.base.ReadBufferSize, s.base.WriteBufferSize = 64<<10, 64<<10
	rt := p.wrap(s.base)
	p.download(rt, s.url, down)
	p.upload(rt, s.url, up, samples)
}

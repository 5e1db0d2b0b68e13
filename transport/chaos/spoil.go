package chaos

import (
	"context"
	"io"
	"net/http"
)

// spoil puts what the fault does to a body around that of the response.
func (f Fault) spoil(ctx context.Context, resp *http.Response) {
	if f.Cut == 0 && f.Dribble == 0 || resp.Body == nil || resp.Body == http.NoBody {
		return
	}
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	resp.Header.Set("Chaos", "spoiled")
	ctx, closed := context.WithCancelCause(ctx)
	s := &spoiled{body: resp.Body, fault: f, left: f.Cut, ctx: ctx, closed: closed}
	resp.Body = s
	if w, ok := s.body.(io.Writer); ok { // a connection stays one
		resp.Body = struct {
			*spoiled
			io.Writer
		}{s, w}
	}
}

// spoiled is a body that dribbles, or ends too soon.
type spoiled struct {
	body   io.ReadCloser
	fault  Fault
	left   int64
	ctx    context.Context // over when the caller's is, and when the body is closed
	closed context.CancelCauseFunc
}

func (s *spoiled) Read(p []byte) (int, error) {
	if s.fault.Cut > 0 {
		p = p[:min(int64(len(p)), s.left)]
		if s.left == 0 {
			return 0, &Error{io.ErrUnexpectedEOF}
		}
	}
	if s.fault.Dribble > 0 && len(p) > 0 {
		if err := sleep(s.ctx, s.fault.Dribble); err != nil {
			return 0, err
		}
		p = p[:1]
	}
	n, err := s.body.Read(p)
	s.left -= int64(n)
	if s.fault.Cut > 0 && s.left == 0 && err == io.EOF {
		err = nil // it ends too soon even where it was to end
	}
	return n, err
}

func (s *spoiled) Close() error {
	s.closed(http.ErrBodyReadAfterClose)
	return s.body.Close()
}

//go:build !unix

package redistest

// Stop skips the test: there is no way to make a program hang here.
func (s *Server) Stop() { s.tb.Skip("a program can be stopped on unix alone") }

// Continue lets a stopped server go on.
func (s *Server) Continue() {}

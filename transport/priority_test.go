package transport

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestPriority has one place, and calls that come while it is taken, each a
// letter for its priority: l, n or h. Want is the order in which they are
// served, by their place in the line of those who came.
func TestPriority(t *testing.T) {
	for _, test := range []struct {
		name    string
		queue   int
		come    string
		served  []int
		refused []int
	}{
		{"equals are served in the order in which they came", 9, "nnn", []int{0, 1, 2}, nil},
		{"high before normal before low", 9, "lnhlnh", []int{2, 5, 1, 4, 0, 3}, nil},
		{"a full queue refuses an equal", 2, "nnn", []int{0, 1}, []int{2}},
		{"and a lower one", 2, "nnl", []int{0, 1}, []int{2}},
		{"the last of the lowest makes room for a higher one", 3, "llnh", []int{3, 2, 0}, []int{1}},
		{"one after the other", 2, "llhh", []int{2, 3}, []int{1, 0}},
		{"until there is none below", 2, "llhhh", []int{2, 3}, []int{1, 0, 4}},
		{"normal displaces low", 1, "ln", []int{1}, []int{0}},
		{"where nobody may wait nobody is displaced", -1, "h", nil, []int{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := newPatient()
				rt := Limit{Concurrency: 1, Queue: test.queue, Wait: -1}.Wrap(base)
				end := base.begin(t, rt)
				var served, refused []int
				for i, letter := range test.come {
					ctx := WithPriority(t.Context(), Priority(strings.IndexRune("lnh", letter)-1))
					req := get(t, "http://a.test").WithContext(ctx)
					go func() {
						if _, _, err := send(t, rt, req); err != nil {
							refused = append(refused, i)
							return
						}
						served = append(served, i)
					}()
					synctest.Wait()
				}
				end(200)
				for range test.served {
					code := <-base.calls
					code <- 200
					synctest.Wait()
				}
				if !slices.Equal(served, test.served) || !slices.Equal(refused, test.refused) {
					t.Errorf("served %v and refused %v, want %v and %v", served, refused, test.served, test.refused)
				}
				base.begin(t, rt)(200) // the place is free again
			})
		})
	}
}

func TestACallThatIsOverDisplacesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newPatient()
		rt := Limit{Concurrency: 1, Queue: 1, Wait: -1}.Wrap(base)
		end := base.begin(t, rt)
		low := get(t, "http://a.test").WithContext(WithPriority(t.Context(), LowPriority))
		var refused error
		go func() { _, _, refused = send(t, rt, low) }()
		synctest.Wait()

		ctx, cancel := context.WithCancelCause(WithPriority(t.Context(), HighPriority))
		cancel(errBoom)
		if _, _, err := send(t, rt, get(t, "http://a.test").WithContext(ctx)); err != errBoom {
			t.Errorf("it gets %v, want its context's cause", err)
		}
		end(200)
		if synctest.Wait(); refused != nil {
			t.Fatalf("the one who waited got %v", refused)
		}
		answer := <-base.calls
		answer <- 200
	})
}

func TestPriorityHasBounds(t *testing.T) {
	for p, want := range map[Priority]Priority{-128: LowPriority, -1: LowPriority, 0: NormalPriority, 1: HighPriority, 127: HighPriority} {
		if got := callOf(WithPriority(t.Context(), p)).priority; got != want {
			t.Errorf("%d is taken for %d, want %d", p, got, want)
		}
	}
	if got := callOf(t.Context()).priority; got != NormalPriority {
		t.Errorf("a context without one has %d", got)
	}
}

package repo

import "github.com/e6d26078/slipway/chart"

// slab hands out parts of larger allocations: an index has millions of small
// values, which live and die together.
type slab[T any] struct{ free []T }

const slabSize = 512

// room is an empty slice that at least n values can be appended to in place.
func (s *slab[T]) room(n int) []T {
	if cap(s.free)-len(s.free) < n {
		s.free = make([]T, 0, slabSize)
	}
	return s.free[len(s.free):]
}

// keep ends what room began. Nil stays nil.
func (s *slab[T]) keep(list []T) []T {
	if len(list) == 0 {
		return nil
	}
	if rest := s.free[len(s.free):cap(s.free)]; len(list) <= len(rest) && &rest[0] == &list[0] {
		s.free = s.free[:len(s.free)+len(list)]
	}
	return list[:len(list):len(list)]
}

func (s *slab[T]) one() *T {
	list := s.room(1)[:1]
	s.keep(list)
	return &list[0]
}

// slabs are those of one goroutine.
type slabs struct {
	texts        slab[string]
	maintainers  slab[chart.Maintainer]
	dependencies slab[chart.Dependency]
}

package funcs

import (
	"strings"
	"sync"
)

// cacheLimit is how many results a cache keeps.
const cacheLimit = 512

// maxCachedText is the longest text that a cache keeps a result for.
const maxCachedText = 4 << 10

// cache keeps what a costly function of a string gave. Only results without an
// error are kept; a full cache starts again from nothing. It is safe for
// concurrent use, and so must its results be.
type cache[T any] struct {
	make    func(string) (T, error)
	mu      sync.RWMutex
	results map[string]T
}

func newCache[T any](f func(string) (T, error)) *cache[T] {
	return &cache[T]{make: f, results: map[string]T{}}
}

// get returns the result for text; ok is false if there is an error.
func (c *cache[T]) get(text string) (result T, ok bool) {
	c.mu.RLock()
	result, ok = c.results[text]
	c.mu.RUnlock()
	if ok {
		return result, true
	}
	text = strings.Clone(text) // arguments may not be kept
	result, err := c.make(text)
	if err != nil {
		return result, false
	}
	if len(text) <= maxCachedText {
		c.mu.Lock()
		if len(c.results) >= cacheLimit {
			clear(c.results)
		}
		c.results[text] = result
		c.mu.Unlock()
	}
	return result, true
}

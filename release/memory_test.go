package release_test

import (
	"testing"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, "default", func(*testing.T) storetest.Store { return &release.Memory{Now: storetest.Now} })
}

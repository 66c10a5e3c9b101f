package server

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestTheOldestUploadsGo(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
	later := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	for kind, serve := range map[string]func(testing.TB, Options) string{
		"folder": func(t testing.TB, o Options) string {
			url, _ := start(t, t.TempDir(), o)
			return url
		},
		"bucket": func(t testing.TB, o Options) string {
			url, _ := replica(t, startS3(t), o)
			return url
		},
	} {
		t.Run(kind, func(t *testing.T) {
			url := serve(t, Options{Now: clock, AllowForce: true, Retention: Retention{PerChart: 3, Prerelease: time.Hour}})
			has := func(versions ...string) {
				t.Helper()
				var got []string
				for _, v := range index(t, url).Entries["web"] {
					got = append(got, v.Version)
				}
				if !slices.Equal(got, versions) {
					t.Errorf("the index has %v, want %v", got, versions)
				}
			}
			for _, version := range []string{"3.0.0", "1.0.0", "2.0.0"} {
				want(t, 201, "POST", url+"/api/charts", archive(t, "web", version))
			}
			want(t, 201, "POST", url+"/api/prov", sign(t, "web-3.0.0.tgz", archive(t, "web", "3.0.0")))
			has("3.0.0", "2.0.0", "1.0.0")
			want(t, 201, "POST", url+"/api/charts?force", archive(t, "web", "1.0.0", "b: 2\n")) // the newest upload now
			has("3.0.0", "2.0.0", "1.0.0")
			want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.1.0-rc.1"))
			has("2.0.0", "1.1.0-rc.1", "1.0.0")
			want(t, 404, "GET", url+"/charts/web-3.0.0.tgz.prov", nil)
			want(t, 201, "POST", url+"/api/charts", archive(t, "other", "1.0.0"))
			later(2 * time.Hour)
			has("2.0.0", "1.1.0-rc.1", "1.0.0")
			want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.1.0"))
			has("2.0.0", "1.1.0", "1.0.0")
			want(t, 201, "POST", url+"/api/charts", archive(t, "web", "0.0.1"))
			has("1.1.0", "1.0.0", "0.0.1")
		})
	}
}

package release_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/storetest"
)

// noise is text that compresses to three quarters of its length at best.
func noise(seed, n int) []byte {
	random := rand.New(rand.NewPCG(uint64(seed), 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(' ' + random.IntN(64))
	}
	return data
}

func names(files []*chart.File) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	return all
}

func TestFitLeavesOutAsLittleAsItTakes(t *testing.T) {
	const kib = 1 << 10
	files := []string{
		"LICENSE", "README.md", "docs/a.txt", "sub/NOTICE.txt", "ci/values.yaml", "tests/a.yaml", "icon.png",
		"crds/crd.yaml", "dashboards/a.json", "files/readme.tpl", "scripts/ci/run.sh",
	}
	for _, test := range []struct {
		name  string
		limit int
		want  []string
	}{
		{"what fits stays", 250 * kib, files},
		{"documentation goes first", 140 * kib, files[4:]},
		{"then what is for developers", 100 * kib, files[6:]},
		{"then pictures", 80 * kib, files[7:]},
	} {
		r := storetest.Record("prod", "web", 3, release.StatusDeployed)
		r.Chart.Files = nil
		for i, name := range files {
			r.Chart.Files = append(r.Chart.Files, &chart.File{Name: name, Data: noise(i, 15*kib)})
		}
		stored := r.Chart
		if err := r.Fit(test.limit); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		data, err := r.Encode()
		if err != nil || len(data) > test.limit {
			t.Errorf("%s: %d bytes, the limit is %d, %v", test.name, len(data), test.limit, err)
		}
		if got := names(r.Chart.Files); !slices.Equal(got, test.want) {
			t.Errorf("%s (%d bytes): %v", test.name, len(data), got)
		}
		if len(stored.Files) != len(files) {
			t.Errorf("%s: the caller's chart has lost files", test.name)
		}
		if again, err := release.Decode(data); err != nil || len(again.Chart.Templates) != 1 || again.Chart.Values == nil {
			t.Errorf("%s: read again: %v", test.name, err)
		}
	}
}

func TestFitNamesWhatIsTooLarge(t *testing.T) {
	r := storetest.Record("prod", "web", 3, release.StatusPendingInstall)
	r.Manifest = strings.Repeat("x", 2<<20) // long, and compresses to nothing
	r.Chart.Files = []*chart.File{
		{Name: "big.bin", Data: noise(1, 1<<20)}, {Name: "crds/a.yaml", Data: noise(2, 200<<10)}, {Name: "README.md", Data: noise(3, 1<<20)},
	}
	err := r.Fit(release.SecretLimit)
	var tooLarge *release.TooLargeError
	if !errors.As(err, &tooLarge) {
		t.Fatalf("got %v", err)
	}
	if tooLarge.Limit != release.SecretLimit || tooLarge.Size <= tooLarge.Limit || len(tooLarge.Parts) != 5 ||
		tooLarge.Parts[0].Name != "the chart's big.bin" || tooLarge.Parts[1].Name != "the chart's crds/a.yaml" {
		t.Fatalf("%+v", tooLarge)
	}
	if sum := tooLarge.Parts[0].Bytes + tooLarge.Parts[1].Bytes; sum < tooLarge.Size*8/10 || sum > tooLarge.Size*12/10 {
		t.Errorf("the parts take %d of %d", sum, tooLarge.Size)
	}
	for _, want := range []string{"release web revision 3 is too large", "limit is 1008.0 KiB", "big.bin (1."} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

// Command helm renders a chart with Helm's engine: the counterpart of ../slipway.
package main

import (
	"fmt"
	"log"
	"os"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

func main() {
	c, err := loader.Load(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, nil); err != nil {
		log.Fatal(err)
	}
	values, err := chartutil.ToRenderValues(c, nil, chartutil.ReleaseOptions{Name: "rel", IsInstall: true, Revision: 1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	files, err := engine.Render(c, values)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(files)
}

package chart

import helmchart "helm.sh/helm/v3/pkg/chart"

// The chart model is Helm's own, so that a program which uses Helm's SDK hands
// its charts over unchanged. The aliases keep the import in one place.
type (
	// Chart is a loaded chart with its subcharts.
	Chart = helmchart.Chart
	// File is one file of a chart: its slash-separated path below the chart's root, and its bytes.
	File = helmchart.File
	// Metadata is the content of Chart.yaml.
	Metadata = helmchart.Metadata
	// Dependency is one entry of the dependencies in Chart.yaml or requirements.yaml.
	Dependency = helmchart.Dependency
	// Lock is the content of Chart.lock or requirements.lock.
	Lock = helmchart.Lock
	// Maintainer is one maintainer named in Chart.yaml.
	Maintainer = helmchart.Maintainer
	// CRD is a file of crds/ with the full path by which Helm names it.
	CRD = helmchart.CRD
)

/** The part of Jenkins' currentBuild that tells who has started it. */
interface BuildCauses {
    List getBuildCauses(String kind)
}

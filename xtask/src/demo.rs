pub fn demo() -> anyhow::Result<()> {
    anyhow::bail!("later")
}

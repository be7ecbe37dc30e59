// What is wrong with the page as it is shown now.

// Colors as the browser computes them: "rgb(1, 2, 3)", and a fourth number where they are not opaque.
const channels = color => color.match(/[\d.]+/g).map(Number);

// WCAG 2.2, relative luminance.
const luminance = color => channels(color).slice(0, 3)
    .map(it => it / 255)
    .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
    .reduce((sum, it, place) => sum + it * [0.2126, 0.7152, 0.0722][place], 0);

const ground = element => {
    const color = getComputedStyle(element).backgroundColor;
    return (channels(color)[3] ?? 1) === 1 ? color : ground(element.parentElement);
};

const contrast = (element, part) => {
    const colors = [getComputedStyle(element, part).color, ground(element)];
    const [dark, light] = colors.map(luminance).sort((one, other) => one - other);
    return (light + 0.05) / (dark + 0.05);
};

const elements = [...document.body.querySelectorAll('*')];
const says = element => [...element.childNodes].some(it => it.nodeType === 3 && it.data.trim());
const name = element => `${element.tagName} ${element.textContent.trim()}${element.placeholder ?? ''}`;

return {
    is_light: luminance(ground(document.body)) > 0.5,
    sticks_out: elements
        .filter(it => it.getBoundingClientRect().right > innerWidth || it.scrollWidth > it.clientWidth + 1 && it.clientWidth)
        .map(name),
    // WCAG 2.2, 1.4.3: text of this size needs 4.5.
    faint: elements
        .filter(it => says(it) && contrast(it) < 4.5 || it.placeholder && contrast(it, '::placeholder') < 4.5)
        .map(name),
};
